/** The text with halves of character pairs replaced, which devices can send and UTF-8 cannot say. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}
