/** Text that is HTML already. Everything else put into {@link markup} is escaped. */
export interface Html {
  html: string;
}

type Part = string | number | Html | undefined | (Html | string)[];

/** Builds HTML from a template; values are escaped unless they are {@link Html}. */
export function markup(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return {
    html: strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : "")).join(""),
  };
}

function render(part: Part): string {
  if (part === undefined) return "";
  if (Array.isArray(part)) return part.map(render).join("");
  return typeof part === "object" ? part.html : escapeHtml(String(part));
}

/** Escapes a text for element content and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** A table with a caption for those who hear it; the first column heads its row. */
export function tableOf(caption: string, heads: string[], rows: (string | Html)[][]): Html {
  const head = heads.map((text) =>
    text === "" ? markup`<td></td>` : markup`<th scope="col">${text}</th>`
  );
  const body = rows.map(([first, ...rest]) =>
    markup`
      <tr><th scope="row">${first}</th>${rest.map(tableCell)}</tr>
    `
  );
  return scrollable(
    caption,
    markup`
      <table>
        <caption>${caption}</caption>
        <thead><tr>${head}</tr></thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    `,
  );
}

/** Something that may be wider than the window: it scrolls by itself, by keyboard too. */
export function scrollable(label: string, content: Html): Html {
  return markup`<div class="wide" role="group" aria-label="${label}" tabindex="0">${content}</div>`;
}

/** Longest text that a column keeps on one line, in characters. */
const SHORT = 16;

function tableCell(cell: string | Html): Html {
  const short = typeof cell === "string" && cell.length <= SHORT;
  return short ? markup`<td class="short">${cell}</td>` : markup`<td>${cell}</td>`;
}
