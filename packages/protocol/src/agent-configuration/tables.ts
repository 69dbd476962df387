import { suggestName } from '../suggest-name.ts'
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

/** The setting that was probably meant by an unknown name. */
export function suggestSetting(name: string, era: Era): string | undefined {
  return suggestName(name, settingsOf(era).keys())
}
