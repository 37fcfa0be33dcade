import { outline, type Block } from './outline.ts';
import type { Json } from './schemas.ts';

/** The one style of the page, whose hash is in its policy. */
export const pageStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 72rem; margin: 0 auto; padding: 1rem }
nav ul { columns: 20rem; list-style: none; padding: 0 }
h2, h3 { border-top: 1px solid #8884; padding-top: 1rem }
code, pre { font: .9em ui-monospace, monospace }
pre { background: #8882; padding: .75rem; overflow: auto; max-height: 30rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { border: 1px solid #8886; padding: .25rem .5rem; text-align: left; vertical-align: top }
`;

/** The reference as a page that needs nothing but itself: no script, no font, no image, no other address. */
export function writePage(document: Json): string {
  const blocks = outline(document);
  const entries = blocks.flatMap((block) =>
    block.kind === 'heading' && block.level === 3
      ? [`<li><a href="#${block.anchor}">${escape(block.text)}</a></li>`]
      : [],
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Juice: HTTP API reference</title><style>${pageStyle}</style></head><body>`,
    '<p><a href="openapi.json">OpenAPI 3.1</a></p>',
    `<nav><ul>${entries.join('')}</ul></nav><main>`,
    ...blocks.map(write),
    '</main></body></html>\n',
  ].join('\n');
}

function write(block: Block): string {
  switch (block.kind) {
    case 'heading': {
      const anchor = block.anchor === undefined ? '' : ` id="${escape(block.anchor)}"`;
      return `<h${block.level}${anchor}>${escape(block.text)}</h${block.level}>`;
    }
    case 'text':
      return `<p>${inline(block.text)}</p>`;
    case 'example':
      return `<details><summary>${inline(block.title)}</summary><pre>${escape(block.text)}</pre></details>`;
    case 'table': {
      const head = block.head.map((cell) => `<th>${inline(cell)}</th>`).join('');
      const rows = block.rows.map((cells) => `<tr>${cells.map((cell) => `<td>${inline(cell)}</td>`).join('')}</tr>`);
      return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
    }
  }
}

/** Code between backticks, and links to other parts of the page. */
function inline(text: string): string {
  return escape(text)
    .replaceAll(/`([^`]*)`/g, '<code>$1</code>')
    .replaceAll(/\[(\w+)\]\((#\w+)\)/g, '<a href="$2">$1</a>');
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
