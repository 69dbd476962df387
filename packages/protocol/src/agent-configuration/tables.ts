import { ERAS, type Era } from './eras.ts'
import { legacySettings } from './legacy-settings.ts'
import { microSettings } from './micro-settings.ts'
import type { Setting, Settings } from './setting.ts'

const TABLES: ReadonlyMap<Era, ReadonlyMap<string, Setting>> = new Map(
  ERAS.map((era) => [
    era,
    new Map(
      [...legacySettings, ...microSettings]
        .filter(({ eras }) => eras.includes(era))
        .map((setting) => [setting.name, setting]),
    ),
  ]),
)

/** The settings that agents of an era know, by name; none for eras without twin configuration. */
export function settingsOf(era: Era): ReadonlyMap<string, Setting> {
  return TABLES.get(era) ?? new Map()
}

/**
 * The configuration that was published for an era: 25 settings for `legacy`, 19 for `early`, all
 * that have a default for `micro`, none for the others.
 */
export function defaultSettings(era: Era): Settings {
  const published: [string, NonNullable<Setting['default']>][] = []
  for (const { name, default: value, publishedIn } of settingsOf(era).values()) {
    if (value !== null && publishedIn.includes(era)) published.push([name, value])
  }
  return Object.fromEntries(published)
}

/** How different a name may be from the one that was meant: a third of its characters. */
const MAX_DIFFERENCE = 1 / 3
/** Longer names are nobody's typing mistake. */
const MAX_NAME_CHARACTERS = 64

/** The setting that was probably meant by an unknown name. */
export function suggestSetting(name: string, era: Era): string | undefined {
  if (name.length > MAX_NAME_CHARACTERS) return undefined
  let best: string | undefined
  let least = Math.floor(name.length * MAX_DIFFERENCE) + 1
  for (const known of settingsOf(era).keys()) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase())
    if (distance < least) [best, least] = [known, distance]
  }
  return best
}

/** Levenshtein's, with one row of the table. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
