import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { installNative } from "../../lib/model/native/install.ts";
import { compilerArguments, isNeeded, RECIPE } from "../../lib/model/native/recipe.ts";
import { withHome } from "../support.ts";

Deno.test("of the wheel only the two libraries and the C headers are taken", () => {
  for (
    const needed of [
      "tensorflow/libtensorflow_cc.so.2",
      "tensorflow/include/tensorflow/c/c_api.h",
      "tensorflow/include/tensorflow/c/eager/c_api.h",
      "tensorflow/include/tensorflow/core/platform/ctstring_internal.h",
      "tensorflow/include/tsl/c/tsl_status.h",
      "tensorflow/include/tsl/platform/ctstring.h",
    ]
  ) assert.ok(isNeeded(needed), needed);
  for (
    const other of [
      "tensorflow/__init__.py",
      "tensorflow/include/tensorflow/core/platform/env.h",
      "tensorflow/python/libtensorflow_cc.so.2",
    ]
  ) assert.ok(!isNeeded(other), other);
});

Deno.test("the addon finds its libraries beside itself", () => {
  const made = compilerArguments({ package: "/p", headers: "/h", include: "/i", output: "/o" });
  assert.ok(made.includes("-Wl,-rpath,$ORIGIN/../../deps/lib"));
  assert.ok(made.includes("-l:libtensorflow_cc.so.2"));
});

Deno.test("a wheel with another checksum is deleted and nothing is installed", () =>
  withHome(async (home) => {
    const [cache, target] = [join(home, "cache"), join(home, "package")];
    mkdirSync(cache);
    const wheel = join(cache, RECIPE.wheelFile);
    writeFileSync(wheel, "not a wheel");
    const attempt = installNative({ cache, package: target });
    const isUsable = process.platform === "linux" && process.arch === "x64";
    await assert.rejects(attempt, {
      name: "ModelError",
      message: isUsable ? /has checksum [0-9a-f]{64} instead of|needs \w/ : /Linux on x86_64/,
    });
    assert.ok(!existsSync(join(target, "lib")));
  }));

Deno.test("an installed native part is left alone", () =>
  withHome(async (home) => {
    mkdirSync(join(home, "lib", "napi-v8"), { recursive: true });
    writeFileSync(join(home, "lib", "napi-v8", RECIPE.addon), "");
    assert.equal(await installNative({ cache: home, package: home }), false);
  }));
