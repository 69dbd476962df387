/** The names under which clients address this hub: with or without a port, in any case. */
export class HostNames {
  /** The name that connection strings carry. */
  readonly primary: string
  readonly #names: ReadonlySet<string>
  readonly #shortNames: ReadonlySet<string>

  constructor(names: readonly [string, ...string[]]) {
    this.primary = names[0]
    this.#names = new Set(names.map((name) => withoutPort(name)))
    this.#shortNames = new Set([...this.#names].map((name) => name.split('.')[0] ?? name))
  }

  matches(host: string): boolean {
    return this.#names.has(withoutPort(host))
  }

  /** Whether it is one of the names, or the part of one before its first dot. */
  isHubName(name: string): boolean {
    const wanted = name.toLowerCase()
    return this.#names.has(wanted) || this.#shortNames.has(wanted)
  }

  /** The part before the first dot: IoT Hub's short hub name. */
  get hubName(): string {
    return this.primary.split('.')[0] ?? this.primary
  }
}

function withoutPort(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, '')
}
