import { outline, type Block } from './outline.ts';
import type { Json } from './schemas.ts';

/** The reference as a file of Markdown, still to be formatted. */
export function writeMarkdown(document: Json): string {
  return outline(document).map(write).join('\n\n');
}

function write(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${block.text}`;
    case 'text':
      return block.text;
    case 'example':
      return `${block.title}\n\n\`\`\`${/^[{[]/.test(block.text) ? 'json' : 'text'}\n${block.text.trimEnd()}\n\`\`\``;
    case 'table':
      return [block.head, block.head.map(() => '---'), ...block.rows].map(row).join('\n');
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
