/** An element whose style lives in its `style` attribute. */
export interface StyledElement {
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
}

/** The part of CSSStyleDeclaration that drawing code uses, and properties by camel-case name. */
export interface InlineStyle {
  setProperty(name: string, value: unknown): void;
  getPropertyValue(name: string): string;
  removeProperty(name: string): string;
  [property: string]: unknown;
}

const names = new Map<string, string>();

type Methods = Pick<InlineStyle, "setProperty" | "getPropertyValue" | "removeProperty">;

/**
 * The style of an element, kept in its `style` attribute as written. It understands no CSS, which
 * makes it several times faster than a full declaration; drawing a chart sets thousands.
 */
export function inlineStyle(element: StyledElement): InlineStyle {
  const methods = methodsOf(element);
  return new Proxy(methods as InlineStyle, {
    get(target, key) {
      if (typeof key === "symbol" || Object.hasOwn(target, key)) return Reflect.get(target, key);
      return key === "cssText"
        ? element.getAttribute("style") ?? ""
        : methods.getPropertyValue(dashed(key));
    },
    set(_, key, value) {
      if (key === "cssText") element.setAttribute("style", String(value));
      else methods.setProperty(dashed(String(key)), value);
      return true;
    },
  });
}

function methodsOf(element: StyledElement): Methods {
  let text: string | null = null;
  let properties = new Map<string, string>();
  const read = () => {
    const now = element.getAttribute("style") ?? "";
    if (now !== text) properties = parse(now);
    text = now;
    return properties;
  };
  const write = () => {
    text = Array.from(properties, ([name, value]) => `${name}: ${value};`).join(" ");
    if (text === "") element.removeAttribute("style");
    else element.setAttribute("style", text);
  };
  return {
    getPropertyValue: (name) => read().get(name) ?? "",
    setProperty(name, value) {
      const wanted = value === null || value === undefined ? "" : String(value);
      if ((read().get(name) ?? "") === wanted) return;
      if (wanted === "") properties.delete(name);
      else properties.set(name, wanted);
      write();
    },
    removeProperty(name) {
      const old = read().get(name) ?? "";
      if (properties.delete(name)) write();
      return old;
    },
  };
}

function parse(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  // A semicolon inside brackets or quotes belongs to the value.
  for (const [part] of text.matchAll(/(?:[^;("']|\([^)]*\)|"[^"]*"|'[^']*')+/g)) {
    const colon = part.indexOf(":");
    if (colon > 0) properties.set(part.slice(0, colon).trim(), part.slice(colon + 1).trim());
  }
  return properties;
}

/** `fontSize` as CSS writes it: `font-size`. */
function dashed(name: string): string {
  let known = names.get(name);
  if (known === undefined) {
    known = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    names.set(name, known);
  }
  return known;
}
