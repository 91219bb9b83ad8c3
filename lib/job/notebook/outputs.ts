import type { KernelMessage } from "../kernel/mod.ts";
import type { Cell, Output } from "./notebook.ts";

/** Turns what a kernel publishes into cell outputs; one collector serves one run of a notebook. */
export interface OutputCollector {
  /** Adds the message to the cell's outputs (updates go to the output that they name). */
  take(cell: Cell, message: KernelMessage): void;
}

type Content = Record<string, unknown>;

/**
 * A collector as JupyterLab behaves: stream texts run together, `update_display_data` changes every
 * earlier output of that display id, and `clear_output` with `wait` clears when the next output comes.
 *
 * @param mask applied to every text that is kept, so that no secret reaches a file
 */
export function outputCollector(mask: (text: string) => string = (text) => text): OutputCollector {
  const byDisplayId = new Map<string, Output[]>();
  const clearNext = new Set<Cell>();

  function add(cell: Cell, output: Output): void {
    if (clearNext.delete(cell)) cell.outputs = [];
    cell.outputs.push(output);
  }

  function stream(cell: Cell, content: Content): void {
    const name = content.name === "stderr" ? "stderr" : "stdout";
    const text = mask(String(content.text ?? ""));
    const last = clearNext.has(cell) ? undefined : cell.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text += text;
    else add(cell, { output_type: "stream", name, text });
  }

  function display(cell: Cell, content: Content, type: "display_data" | "execute_result"): void {
    const output: Output = {
      output_type: type,
      data: maskData(content.data as Content, mask),
      metadata: (content.metadata ?? {}) as Content,
      ...(type === "execute_result" ? { execution_count: cell.execution_count } : {}),
    };
    const id = displayId(content);
    if (id !== undefined) byDisplayId.set(id, [...byDisplayId.get(id) ?? [], output]);
    add(cell, output);
  }

  function update(content: Content): void {
    for (const output of byDisplayId.get(displayId(content) ?? "") ?? []) {
      if (!("data" in output)) continue;
      output.data = maskData(content.data as Content, mask);
      output.metadata = (content.metadata ?? {}) as Content;
    }
  }

  return {
    take(cell, { header, content }) {
      switch (header.msg_type) {
        case "stream":
          return stream(cell, content);
        case "display_data":
        case "execute_result":
          return display(cell, content, header.msg_type);
        case "update_display_data":
          return update(content);
        case "error":
          return add(cell, errorOutput(content, mask));
        case "clear_output":
          if (content.wait === true) clearNext.add(cell);
          else cell.outputs = [];
      }
    },
  };
}

function errorOutput(content: Content, mask: (text: string) => string): Output {
  const traceback = Array.isArray(content.traceback) ? content.traceback.map(String) : [];
  return {
    output_type: "error",
    ename: mask(String(content.ename ?? "Error")),
    evalue: mask(String(content.evalue ?? "")),
    traceback: traceback.map(mask),
  };
}

function displayId(content: Content): string | undefined {
  const transient = content.transient as { display_id?: string } | null | undefined;
  return transient?.display_id;
}

function maskData(data: Content | null | undefined, mask: (text: string) => string): Content {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([mime, value]) => [mime, maskValue(mime, value, mask)]),
  );
}

/** Pictures are left as they are; other values are masked as the JSON text they are kept as. */
function maskValue(mime: string, value: unknown, mask: (text: string) => string): unknown {
  if (mime.startsWith("image/") && mime !== "image/svg+xml") return value;
  return typeof value === "string"
    ? mask(value)
    : JSON.parse(mask(JSON.stringify(value)) ?? "null");
}
