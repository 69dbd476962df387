const DEADLINE_MS = 10_000
const PAUSE_MS = 20

/** Waits until `look` returns something other than `undefined` or `false`, at most ten seconds. */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadlineMs = Date.now() + DEADLINE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadlineMs) throw new Error(`gave up waiting for ${look}`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
