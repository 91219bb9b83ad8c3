/** The style of the report: readable from disk, without network, light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5b6474; --paper: #fff; --line: #d8dde6;
  --good: #1b7f5c; --bad: #b3261e; --bar: #3366aa; --wash: #f4f6fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --soft: #a3adbf; --paper: #14171d;
  --line: #343b48; --good: #5fd0a5; --bad: #ff8a80; --bar: #7fb0f0; --wash: #1d222b; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
.state { font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); }
.soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .93rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-weight: normal; }
thead th { font-weight: 600; }
pre { background: var(--wash); padding: .75rem; overflow-x: auto; border-left: 4px solid var(--bad); }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; background: #fff; }
figcaption { color: var(--soft); }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .soft { fill: var(--soft); }
svg .bar { fill: var(--bar); } svg .bar.bad { fill: var(--bad); } svg line { stroke: var(--line); }
details { margin: .5rem 0; } summary { cursor: pointer; font-weight: 600; }
a { color: var(--bar); } nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-top: 1rem; }
.wide:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
span.good, span.bad, td.short { white-space: nowrap; }
button { font: inherit; margin-top: .25rem; }
`;
