import type { EventEmitter } from 'node:events'

/**
 * The first of several events, with its first argument; no listener is left behind.
 *
 * @throws the signal's reason when it aborts first
 */
export function firstEvent<T>(
  emitter: Pick<EventEmitter, 'on' | 'removeListener'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly value: T }> {
  return new Promise((resolve, reject) => {
    const listeners = names.map((name) => {
      const listener = (value: T) => {
        leave()
        resolve({ name, value })
      }
      emitter.on(name, listener)
      return { name, listener }
    })
    const abort = () => {
      leave()
      reject(signal.reason)
    }
    function leave(): void {
      signal.removeEventListener('abort', abort)
      for (const { name, listener } of listeners) emitter.removeListener(name, listener)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
}
