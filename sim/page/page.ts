/** The frame of a self-contained HTML page, for light and dark screens. Pure. */
import { esc } from './escape.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1b2733; --soft: #66788a; --line: #d5dde5; --card: #ffffff; --page: #f3f6f9;
  --good: #1d8a5b; --bad: #c8372d; --warn: #b7791f; --call: #2864c8; --dead: #f6dedc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4ebf2; --soft: #93a5b7; --line: #33424f; --card: #1a232c; --page: #10171d;
  --good: #45c58c; --bad: #ff7468; --warn: #e6b455; --call: #78a8ff; --dead: #47211e; } }
* { box-sizing: border-box } body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px } h1 { margin: 0 0 4px; font-size: 26px }
h2 { margin: 40px 0 2px; font-size: 20px } h3 { margin: 28px 0 6px; font-size: 16px } p { margin: 4px 0; color: var(--soft) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin: 12px 0; overflow-x: auto }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 12px 0 } .figure { flex: 1 1 120px; padding: 10px 14px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px } .figure b { display: block; font-size: 20px; font-variant-numeric: tabular-nums }
.figure span { color: var(--soft); font-size: 13px } svg { display: block; max-width: 100%; height: auto }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) } svg .soft { fill: var(--soft) } svg .strong { font-weight: 600 }
table { border-collapse: collapse; width: 100%; font-size: 13px } td:last-child { width: 80% } td, th { text-align: left; padding: 3px 12px 3px 0; vertical-align: top;
  border-bottom: 1px solid var(--line) } td.at { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } .bad { color: var(--bad) }
summary { cursor: pointer; color: var(--soft) }`;

/** A page; `subtitle` is text, `body` is HTML. */
export const htmlPage = (title: string, subtitle: string, body: string): string =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)}</title><style>${STYLE}</style></head><body><main>
<h1>${esc(title)}</h1><p>${esc(subtitle)}</p>
${body}
</main></body></html>
`;
