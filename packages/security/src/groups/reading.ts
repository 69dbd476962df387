import {
  HubError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  suggestName,
} from '@twinward/protocol'

/** Mistakes that are listed; the others are counted. */
const MAX_LISTED_MISTAKES = 50
/** Characters of a wrong value that are shown. */
const MAX_SHOWN_CHARACTERS = 60

/** Collects what is wrong with something that somebody wrote, each with its path. */
export class Mistakes {
  readonly #listed: string[] = []
  #count = 0

  /** @param path  such as `timeWindowRules[0].minThreshold` */
  add(path: string, reason: string): void {
    this.#count++
    if (this.#listed.length < MAX_LISTED_MISTAKES) this.#listed.push(`${path}: ${reason}`)
  }

  /** @throws {HubError} `ArgumentInvalid` that lists them, when there are any */
  refuse(what: string): void {
    if (this.#count === 0) return
    const more = this.#count - this.#listed.length
    const rest = more > 0 ? `; and ${more} more` : ''
    throw new HubError('ArgumentInvalid', `${what} is refused. ${this.#listed.join('; ')}${rest}.`)
  }
}

/** One value of what somebody wrote, its path, and where its mistakes go. */
export class Reading {
  readonly value: JsonValue | undefined
  readonly path: string
  readonly #mistakes: Mistakes

  constructor(value: JsonValue | undefined, path: string, mistakes: Mistakes) {
    this.value = value
    this.path = path
    this.#mistakes = mistakes
  }

  refuse(reason: string): void {
    this.#mistakes.add(this.path === '' ? 'body' : this.path, reason)
  }

  get isAbsent(): boolean {
    return this.value === undefined || this.value === null
  }

  /** Its members by name; those that it should not have are mistakes. */
  members<Name extends string>(known: readonly Name[]): { readonly [name in Name]: Reading } {
    const object: JsonObject = isJsonObject(this.value) ? this.value : {}
    if (!isJsonObject(this.value) && !this.isAbsent) this.refuse('it is no object')
    for (const name of Object.keys(object)) {
      if (!known.some((each) => each === name)) this.#member(name, object).refuseName(known)
    }
    const entries = known.map((name) => [name, this.#member(name, object)])
    return Object.fromEntries(entries) as { [name in Name]: Reading }
  }

  /** Its elements; none when it is absent. */
  elements(limit: number): readonly Reading[] {
    if (this.isAbsent) return []
    if (!Array.isArray(this.value)) {
      this.refuse('it is no array')
      return []
    }
    const elements = this.value as readonly JsonValue[]
    if (elements.length > limit) {
      this.refuse(`it has ${elements.length} elements, at most ${limit}`)
      return []
    }
    return elements.map((each, at) => new Reading(each, `${this.path}[${at}]`, this.#mistakes))
  }

  text(limit: number): string {
    if (typeof this.value !== 'string') {
      this.refuse('it is no text')
      return ''
    }
    const text = this.value.trim()
    if (text === '') this.refuse('it is empty')
    else if (text.length > limit) this.refuse(`it has ${text.length} of ${limit} characters`)
    else if (/\p{Cc}/u.test(text)) this.refuse('it has control characters')
    return text
  }

  flag(absent: boolean): boolean {
    if (this.isAbsent) return absent
    if (typeof this.value === 'boolean') return this.value
    this.refuse('it is neither true nor false')
    return absent
  }

  /** @returns `absent` for what is none */
  integer(least: number, most: number, absent: number): number {
    if (this.isAbsent) return absent
    if (Number.isInteger(this.value) && Number(this.value) >= least && Number(this.value) <= most) {
      return Number(this.value)
    }
    this.refuse(`${this.shown} is no whole number from ${least} to ${most}`)
    return absent
  }

  /** What is there, for a message. */
  get shown(): string {
    const text = JSON.stringify(this.value) ?? 'nothing'
    return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text
  }

  #member(name: string, object: JsonObject): Reading {
    const path = this.path === '' ? name : `${this.path}.${name}`
    const value = Object.hasOwn(object, name) ? object[name] : undefined
    return new Reading(value, path.slice(0, MAX_PATH_CHARACTERS), this.#mistakes)
  }

  refuseName(known: readonly string[]): void {
    const name = this.path.slice(this.path.lastIndexOf('.') + 1)
    this.refuse(`there is no such member${hint(name, known)}`)
  }
}

/** Characters of a path; names in it come from outside. */
const MAX_PATH_CHARACTERS = 200

/** `; did you mean X?`, where something is near. */
export function hint(name: string, known: readonly string[]): string {
  const meant = suggestName(name, known)
  return meant === undefined ? `; known are ${known.join(', ')}` : `; did you mean ${meant}?`
}
