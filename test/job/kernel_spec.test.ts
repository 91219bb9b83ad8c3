import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { installKernelSpec, jupyterDataFolder } from "../../lib/job/lab/kernel_spec.ts";
import { withHome } from "../support.ts";

Deno.test("the kernel spec names this Deno and interrupts by message", async () => {
  await withHome((home) => {
    const file = installKernelSpec(home);
    assert.equal(file, join(home, "kernels", "deno", "kernel.json"));
    const spec = JSON.parse(readFileSync(file, "utf8"));
    assert.equal(spec.argv[0], Deno.execPath());
    assert.equal(spec.interrupt_mode, "message");
    return Promise.resolve();
  });
});

Deno.test("Jupyter's data folder is found on every platform", () => {
  const folder = (platform: string, env = {}) => jupyterDataFolder(platform, env, "/home/me");
  assert.equal(folder("linux"), join("/home/me", ".local", "share", "jupyter"));
  assert.equal(folder("darwin"), join("/home/me", "Library", "Jupyter"));
  assert.equal(folder("win32", { APPDATA: "/data" }), join("/data", "jupyter"));
  assert.equal(folder("linux", { JUPYTER_DATA_DIR: "/mine" }), "/mine");
});
