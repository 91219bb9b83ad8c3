import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitUntil } from "clickstream/config";

/** MLflow's own scoring server, with a scikit-learn network of our size over our columns. */
export interface MlflowServer {
  version: string;
  /** Processes of the server. */
  pids: number[];
  /** Scores rows; rejects unless there is a prediction for each. */
  score(rows: Record<string, unknown>[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts it, one worker.
 *
 * @param mlflow path of the `mlflow` command; `python` stands beside it
 * @param folder where the model is saved
 * @param row one row, whose columns the model gets
 */
export async function startMlflow(
  mlflow: string,
  folder: string,
  row: Record<string, unknown>,
): Promise<MlflowServer> {
  const file = join(folder, "row.json");
  await Deno.writeTextFile(file, JSON.stringify(row));
  const script = fileURLToPath(new URL("./mlflow_model.py", import.meta.url));
  const model = join(folder, "mlflow_model");
  const made = await new Deno.Command(join(dirname(mlflow), "python"), {
    args: [script, file, model],
    cwd: folder,
    stderr: "null",
  }).output();
  if (!made.success) throw new Error("The MLflow model could not be saved: is scikit-learn there?");
  const port = freePort();
  const server = new Deno.Command(mlflow, {
    args: ["models", "serve", "-m", model, "-p", String(port), "-w", "1", "--env-manager", "local"],
    cwd: folder,
    env: { PATH: `${dirname(mlflow)}:${Deno.env.get("PATH")}` },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  await waitUntil(
    () => fetch(`${url}/ping`).then((r) => r.body!.cancel().then(() => r.ok), () => false),
    {
      what: "MLflow's server",
      timeoutMs: 120_000,
    },
  );
  return {
    version: new TextDecoder().decode(made.stdout).trim(),
    pids: await familyOf(server.pid),
    score: (rows) => score(url, rows),
    async close() {
      for (const pid of await familyOf(server.pid)) {
        try {
          Deno.kill(pid, "SIGTERM");
        } catch {
          // It ended with its parent.
        }
      }
      await server.status;
    },
  };
}

async function score(url: string, rows: Record<string, unknown>[]): Promise<void> {
  const columns = Object.keys(rows[0]!);
  const data = rows.map((row) => columns.map((name) => row[name]));
  const response = await fetch(`${url}/invocations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ dataframe_split: { columns, data } }),
  });
  const { predictions } = await response.json() as { predictions?: unknown[] };
  if (predictions?.length !== rows.length) throw new Error(`MLflow answered ${response.status}`);
}

/** A process and those that it started, as far as the system tells. */
async function familyOf(pid: number): Promise<number[]> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  const grown = await Promise.all(children.split(" ").filter(Boolean).map(Number).map(familyOf));
  return [pid, ...grown.flat()];
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return (listener.addr as Deno.NetAddr).port;
}
