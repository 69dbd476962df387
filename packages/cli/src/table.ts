import Table from 'cli-table3'
import { printable } from './output.ts'

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Columns without lines around them; the head is bold where colours are wanted. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  useColour: boolean,
): string {
  const table = new Table({
    head: [...head],
    chars: NO_LINES,
    style: {
      'padding-left': 0,
      'padding-right': 0,
      head: useColour ? ['bold'] : [],
      border: [],
      compact: true,
    },
  })
  for (const row of rows) table.push(row.map(printable))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
