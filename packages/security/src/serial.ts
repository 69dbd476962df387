/** Runs asynchronous steps one after another, in the order of the calls. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step)
    this.#last = result.catch(() => {})
    return result
  }
}
