/**
 * What the work comes to, or an error at once when the signal says that the channel closes: whoever
 * closes waits for no other end.
 */
export function unlessClosed<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error('the channel is closed'))
    if (signal.aborted) closed()
    else signal.addEventListener('abort', closed, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', closed))
  })
}
