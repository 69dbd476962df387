/** Characters of a library's own words. */
const MAX_REASON_CHARACTERS = 200

/** An error as a person may see it: its code and words on one line, never an object's content. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  // Several addresses were tried, and each failed.
  const [first] = error instanceof AggregateError ? error.errors : []
  const { message } = first instanceof Error ? first : error
  const code = (error as NodeJS.ErrnoException).code
  const words = message.replace(/[\p{Cc}]+/gu, ' ').slice(0, MAX_REASON_CHARACTERS)
  return code === undefined || words.includes(String(code)) ? words : `${code}: ${words}`
}
