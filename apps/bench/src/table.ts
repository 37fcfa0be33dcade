/** A table in Markdown: the first row is its head, the first column its names. */
export function writeTable(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'));
  return [head, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`);
}
