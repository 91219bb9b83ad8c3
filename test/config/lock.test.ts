import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { acquireLock, BusyError, isAlive } from "clickstream/config";
import { withHome } from "../support.ts";

Deno.test("a lock is held by one at a time and can be given back", async () => {
  await withHome(async (home) => {
    const path = join(home, "deep", "lock");
    const lock = acquireLock(path, { what: "The home" });
    assert.throws(() => acquireLock(path, { what: "The home" }), (error) => {
      assert.ok(error instanceof BusyError);
      assert.match(error.message, new RegExp(`process ${Deno.pid}`));
      return true;
    });
    lock.release();
    lock.release();
    acquireLock(path, { what: "The home" }).release();
    assert.deepEqual(readdirSync(join(home, "deep")), []);
    await Promise.resolve();
  });
});

Deno.test("the lock of a process that is gone is taken over", async () => {
  await withHome(async (home) => {
    const path = join(home, "lock");
    const gone = await endedPid();
    writeFileSync(path, JSON.stringify({ pid: gone, what: "x", since: "", token: "t" }));
    const lock = acquireLock(path, { what: "The home" });
    assert.ok(existsSync(path));
    lock.release();
  });
});

Deno.test("the lock of a pid that another program has since been given is taken over", async () => {
  await withHome(async (home) => {
    const path = join(home, "lock");
    const holder = { pid: Deno.pid, processStart: "1", what: "x", since: "", token: "t" };
    writeFileSync(path, JSON.stringify(holder));
    acquireLock(path, { what: "The home" }).release();
    await Promise.resolve();
  });
});

Deno.test("a lock file that is damaged is taken over", async () => {
  await withHome(async (home) => {
    const path = join(home, "lock");
    writeFileSync(path, "{");
    acquireLock(path, { what: "The home" }).release();
    await Promise.resolve();
  });
});

Deno.test("of processes that ask at once, each gets the lock in its turn and never two", async () => {
  await withHome(async (home) => {
    const script = join(home, "take.ts");
    const door = new URL("../../lib/config/lock.ts", import.meta.url).href;
    writeFileSync(
      script,
      `import { acquireLock } from ${JSON.stringify(door)};
       import { existsSync, mkdirSync, rmdirSync } from "node:fs";
       const [path, inside] = Deno.args;
       const still = new Int32Array(new SharedArrayBuffer(4));
       for (let taken = 0; taken < 200;) {
         try {
           const lock = acquireLock(path, { what: "it" });
           if (existsSync(inside)) Deno.exit(3);
           mkdirSync(inside); rmdirSync(inside);
           taken++;
           lock.release();
         } catch (error) { if (error.name !== "BusyError") throw error; }
         Atomics.wait(still, 0, 0, Math.random() * 2);
       }
       Deno.exit(0);`,
    );
    const args = ["run", "-A", "--quiet", script, join(home, "lock"), join(home, "inside")];
    const codes = await Promise.all(
      [1, 2, 3].map(() => new Deno.Command(Deno.execPath(), { args }).output()),
    );
    assert.deepEqual(codes.map((one) => one.code), [0, 0, 0]);
  });
});

Deno.test("isAlive tells this process from one that has ended", async () => {
  assert.equal(isAlive({ pid: Deno.pid }), true);
  assert.equal(isAlive({ pid: await endedPid() }), false);
  assert.equal(isAlive({ pid: -1 }), false);
});

async function endedPid(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" }).spawn();
  await child.status;
  return child.pid;
}
