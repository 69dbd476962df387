import fc from 'fast-check'
import type { Era } from '../src/agent-configuration/eras.ts'
import type { Setting, Settings, SettingValue } from '../src/agent-configuration/setting.ts'
import { settingsOf } from '../src/agent-configuration/tables.ts'
import { formatDuration } from '../src/iso-duration.ts'

/** A value that may be written for a setting, in its canonical spelling. */
export function arbitraryValue(setting: Setting): fc.Arbitrary<SettingValue> {
  switch (setting.type) {
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({ min: setting.min, max: setting.max })
    case 'choice':
      return fc.constantFrom(...setting.choices)
    case 'duration':
      return fc
        .integer({ min: setting.minMs / 1000, max: setting.maxMs / 1000 })
        .map((seconds) => formatDuration(seconds * 1000))
    case 'intervals':
      return fc
        .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }))
        .map(([high, times]) => `${high},${high * times},${high * times * times}`)
    case 'list':
      return fc.constantFrom('eth0', 'eth0,wlan0', '/etc, /opt/app', '3.3.5,2.2.1.1')
    default:
      if (setting.name.endsWith('Path')) return fc.constantFrom('/opt/checks.xml', '/a/b-c_d.e')
      if (setting.name.endsWith('Hash')) return fc.constantFrom('0'.repeat(64), 'af'.repeat(32))
      return fc.constantFrom('Acme', 'GW-200', 'ünïcode')
  }
}

/** Any subset of an era's settings that agents would accept together. */
export function arbitrarySettings(era: Era): fc.Arbitrary<Settings> {
  const values = [...settingsOf(era).values()].map((setting) => [
    setting.name,
    arbitraryValue(setting),
  ])
  return fc
    .record(Object.fromEntries(values) as { [name: string]: fc.Arbitrary<SettingValue> }, {
      requiredKeys: [],
    })
    .map((settings) => ({ ...settings }) as Settings)
}
