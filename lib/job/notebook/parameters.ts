import { type Cell, type Notebook, NotebookError, tagsOf } from "./notebook.ts";

/** What a parameter may hold. */
export type ParameterValue = string | number | boolean | null;

/** Values by parameter name. */
export type Parameters = Record<string, ParameterValue>;

/** One `const name: type = value;` line of a parameters cell. */
export interface DeclaredParameter {
  name: string;
  /** The type annotation as written, or the type its default shows. */
  type: string;
  /** The default as written. */
  defaultText: string;
}

const DECLARATION = /^const\s+([A-Za-z_$][\w$]*)\s*(?::\s*([^=]+?))?\s*=\s*(.+?);?\s*(?:\/\/.*)?$/;

/** The parameters a notebook declares: the `const` lines of its cell tagged `parameters`. */
export function declaredParameters(notebook: Notebook): DeclaredParameter[] {
  const cell = notebook.cells.find((cell) => tagsOf(cell).includes("parameters"));
  if (cell === undefined) return [];
  return cell.source.split("\n").flatMap((line) => {
    const [, name, annotation, defaultText] = DECLARATION.exec(line) ?? [];
    if (name === undefined || defaultText === undefined) return [];
    return [{ name, type: annotation ?? typeOfText(defaultText), defaultText }];
  });
}

function typeOfText(text: string): string {
  if (/^["'`]/.test(text)) return "string";
  if (/^-?[\d_.]+(?:e\d+)?$/i.test(text)) return "number";
  return /^(?:true|false)$/.test(text) ? "boolean" : "unknown";
}

/**
 * A copy of the notebook in which a cell tagged `injected-parameters` follows the parameters cell
 * and sets those of `values` that the notebook declares. Without any, the notebook is unchanged.
 */
export function injectParameters(notebook: Notebook, values: Parameters): Notebook {
  const given = declaredParameters(notebook).flatMap(({ name }) => {
    const value = values[name];
    return value === undefined ? [] : [`const ${name} = ${JSON.stringify(value)};`];
  });
  const cells = notebook.cells.filter((cell) => !tagsOf(cell).includes("injected-parameters"));
  if (given.length === 0) return { ...notebook, cells };
  const injected: Cell = {
    cell_type: "code",
    id: "injected-parameters",
    metadata: { tags: ["injected-parameters"] },
    source: ["// Parameters of this run", ...given].join("\n"),
    outputs: [],
    execution_count: null,
  };
  const at = cells.findIndex((cell) => tagsOf(cell).includes("parameters"));
  return { ...notebook, cells: cells.toSpliced(at + 1, 0, injected) };
}

/**
 * Turns the text of `--param name=text` into the value its declaration asks for.
 *
 * @throws {NotebookError} when the text does not fit the declared type
 */
export function parameterFromText(declared: DeclaredParameter, text: string): ParameterValue {
  const { name, type } = declared;
  const may = (word: string) => type.includes(word);
  if (text === "null" && (may("null") || may("unknown"))) return null;
  if ((may("boolean") || may("unknown")) && /^(?:true|false)$/.test(text)) return text === "true";
  if ((may("number") || may("unknown")) && isNumber(text)) return Number(text.replaceAll("_", ""));
  if (may("string") || may("unknown") || type.includes(JSON.stringify(text))) return text;
  throw new NotebookError(`Parameter ${name} takes ${type}, not "${text}".`);
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text.replaceAll("_", "")));
}
