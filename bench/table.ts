/** A Markdown table with its columns aligned; the first column left, all others right. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => pad(cells[i] ?? '', width, i)).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

/** "74,012". */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '–'
}

export function formatMs(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0)
}

export function formatPercent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : '–'
}

export function formatKiB(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 1_024).toFixed(1)} KiB` : '–'
}

export function formatMiB(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 1_024 / 1_024).toFixed(1)} MiB` : '–'
}

/** Differences below this are noise on a shared machine. */
const TIE = 0.15

/** "3.21 x", or "1.08 x (tie)" when the two are within 15 %. */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–'
  const text = `${ratio.toFixed(2)} x`
  return ratio > 1 - TIE && ratio < 1 + TIE && ratio !== 1 ? `${text} (tie)` : text
}
