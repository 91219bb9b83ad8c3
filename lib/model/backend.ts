import util from "node:util";
import { ModelError } from "./errors.ts";

/** The TensorFlow.js API, whichever backend runs it. */
export type TensorFlow = typeof import("@tensorflow/tfjs");

/** Where tensors are computed: `native` is tfjs-node's C library, `wasm` and `cpu` are tfjs's own. */
export type BackendName = "native" | "wasm" | "cpu";

/** A loaded TensorFlow with what a report says about it. */
export interface Backend {
  tf: TensorFlow;
  name: BackendName;
  /** Version of the TensorFlow.js packages. */
  version: string;
  /** Why a faster backend was not taken; empty when the first choice loaded. */
  notes: string[];
}

const loaded = new Map<BackendName, Promise<Backend>>();
let usual: Promise<Backend> | undefined;

/**
 * Loads TensorFlow once a process: the native part when it is installed (`deno task native`), else
 * WebAssembly, else plain JavaScript. The environment variable CLICKSTREAM_TF_BACKEND takes one of
 * the names and wins over the order, not over `prefer`.
 *
 * @param prefer take this backend or fail
 * @throws {ModelError} the preferred backend does not load here
 */
export function loadBackend(prefer?: BackendName): Promise<Backend> {
  if (prefer !== undefined) return once(prefer);
  usual ??= firstThatLoads();
  return usual;
}

async function firstThatLoads(): Promise<Backend> {
  const named = Deno.env.get("CLICKSTREAM_TF_BACKEND");
  if (named === "native" || named === "wasm" || named === "cpu") return once(named);
  const notes: string[] = [];
  for (const name of ["native", "wasm"] as const) {
    try {
      const backend = await once(name);
      return { ...backend, notes };
    } catch (error) {
      notes.push((error as Error).message);
    }
  }
  return { ...await once("cpu"), notes };
}

function once(name: BackendName): Promise<Backend> {
  let pending = loaded.get(name);
  if (pending === undefined) {
    pending = (name === "native" ? loadNative() : loadPortable(name)).catch((cause) => {
      loaded.delete(name);
      throw new ModelError(
        `TensorFlow backend ${name} does not load here: ${firstLine(cause)}. ` +
          (name === "native" ? "Run deno task native, or use wasm." : "Use another backend."),
        { cause },
      );
    });
    loaded.set(name, pending);
  }
  return pending;
}

async function loadNative(): Promise<Backend> {
  completeNodeUtil();
  if (Deno.env.get("TF_CPP_MIN_LOG_LEVEL") === undefined) {
    Deno.env.set("TF_CPP_MIN_LOG_LEVEL", "2");
  }
  const tf = apiOf(await import("@tensorflow/tfjs-node"));
  await tf.ready();
  return { tf, name: "native", version: tf.version.tfjs, notes: [] };
}

async function loadPortable(name: "wasm" | "cpu"): Promise<Backend> {
  const tf = apiOf(await import("@tensorflow/tfjs"));
  if (name === "wasm") await import("@tensorflow/tfjs-backend-wasm");
  if (!await tf.setBackend(name)) throw new Error(`tf.setBackend("${name}") answered false`);
  await tf.ready();
  return { tf, name, version: tf.version.tfjs, notes: [] };
}

/** tfjs-node calls two functions that Node's util has and Deno's lacks. */
function completeNodeUtil(): void {
  const old = util as unknown as Record<string, unknown>;
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}

function apiOf(namespace: unknown): TensorFlow {
  const module = namespace as TensorFlow & { default?: TensorFlow };
  return module.default?.tensor === undefined ? module : module.default;
}

function firstLine(error: unknown): string {
  return String((error as Error)?.message ?? error).split("\n")[0]!.trim().replace(/\.$/, "");
}
