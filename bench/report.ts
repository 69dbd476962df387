/** Progress goes to standard error, so that standard output holds the tables and nothing else. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** A piece of Markdown on standard output, with an empty line after it; nothing when it is empty. */
export function print(markdown: string): void {
  if (markdown === '') return
  process.stdout.write(`${markdown}\n\n`)
}
