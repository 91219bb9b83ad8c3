import { homePaths, loadConfig, runCommand } from "clickstream/config";
import { installNative, packageFolder } from "./native/install.ts";
import { loadBackend } from "./backend.ts";

/** `deno task native`: sets up TensorFlow's native part and says what it does. */
if (import.meta.main) {
  await runCommand(async () => {
    console.log(
      "Setting up TensorFlow's native part, which trains wide networks faster than WebAssembly.",
    );
    const start = performance.now();
    const isNew = await installNative({
      cache: homePaths(loadConfig()).downloads,
      onStep: (sentence) => console.log(sentence),
    });
    const { version } = await loadBackend("native");
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(
      isNew
        ? `Installed in ${seconds} s, in ${packageFolder()}; deleting node_modules removes it.`
        : "It was installed already.",
    );
    console.log(`TensorFlow.js ${version} now computes natively.`);
  });
}
