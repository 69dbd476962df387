import type { Log } from '../../log.ts'
import { conditionFor } from './conditions.ts'
import type { Link } from './link.ts'

interface Opener {
  /** What the token was put for. */
  readonly key: string
  /** Throws when a token does not open the link; absent: whoever the link belongs to asks. */
  readonly check?: ((token: string) => void) | undefined
}

/** The links of one connection, and by which token each of them lives. */
export class OpenedLinks {
  readonly #openers = new Map<Link, Opener>()

  add(link: Link, opener: Opener): void {
    this.#openers.set(link, opener)
  }

  delete(link: Link): void {
    this.#openers.delete(link)
  }

  /** The links that live by a token. */
  by(key: string): readonly Link[] {
    return [...this.#openers].flatMap(([link, opener]) => (opener.key === key ? [link] : []))
  }

  /** Another token takes the place of one: what it does not open ends. */
  replaced(key: string, token: string, log: Log): void {
    for (const link of this.by(key)) {
      try {
        this.#openers.get(link)?.check?.(token)
      } catch (thrown) {
        link.detach(conditionFor(thrown, log))
      }
    }
  }
}
