import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import type { PlatformModule } from '../../src/platform.ts'
import { judgeManifest } from '../../src/recommendations/edge.ts'
import { readManifest } from '../../src/recommendations/edge-manifest.ts'
import { parseNetwork } from '../../src/recommendations/ip-networks.ts'
import { installedPackage, packagesIn } from '../../src/recommendations/vulnerabilities/sbom.ts'
import {
  matchPackage,
  readVulnerability,
} from '../../src/recommendations/vulnerabilities/vulnerability.ts'

// Whatever a feed, a deployment or a device holds is read, or refused in words; nothing else is thrown.

const json = fc.jsonValue() as fc.Arbitrary<JsonValue>
const text = fc.oneof(fc.string({ maxLength: 30 }), json)
const version = fc.oneof(text, fc.stringMatching(/^[0-9.:~+a-z_!-]{0,20}$/))
const entry = fc.record(
  {
    id: text,
    aliases: fc.oneof(json, fc.array(text)),
    severity: fc.oneof(json, fc.array(fc.record({ score: text }))),
    affected: fc.array(
      fc.record(
        {
          package: fc.record({ name: text, ecosystem: fc.oneof(text, fc.constant('Debian:12')) }),
          ranges: fc.array(
            fc.record({ type: text, events: fc.array(fc.record({ fixed: version })) }),
          ),
          versions: fc.array(version),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
)

test('readVulnerability and matchPackage: any entry, any package', () => {
  fc.assert(
    fc.property(fc.oneof(json, entry as fc.Arbitrary<JsonValue>), json, (given, one) => {
      try {
        const vulnerability = readVulnerability(given)
        for (const packageOf of packagesIn([{ packages: [one] }])) {
          matchPackage(
            vulnerability,
            installedPackage(packageOf, { name: 'Debian', version: '12' }),
          )
        }
        const own = vulnerability.affected[0]
        if (own)
          matchPackage(vulnerability, { names: [own.name], version: '1', ecosystem: own.ecosystem })
      } catch (error) {
        assert.ok(error instanceof HubError && error.code === 'ArgumentInvalid', String(error))
      }
    }),
  )
})

test('readManifest and judgeManifest: any desired properties', () => {
  const host = fc.dictionary(
    fc.constantFrom('Privileged', 'CapAdd', 'Binds', 'Mounts', 'LogConfig'),
    json,
  )
  const options = fc.oneof(
    text,
    host.map((HostConfig) => JSON.stringify({ HostConfig })),
  )
  const module = fc.oneof(
    json,
    fc.record({ env: json, settings: fc.record({ createOptions: options }) }),
  )
  const desired = fc.record({
    runtime: json,
    modules: fc.oneof(json, fc.dictionary(fc.string(), module as fc.Arbitrary<JsonValue>)),
    systemModules: fc.record({ edgeHub: module as fc.Arbitrary<JsonValue> }),
  })
  fc.assert(
    fc.property(desired, (given) => {
      const ref = { deviceId: 'edge-1', moduleId: '$edgeAgent' }
      const agent = { ref, desired: given } as unknown as PlatformModule
      assert.equal(judgeManifest(readManifest([agent])).length, 4)
    }),
  )
})

test('parseNetwork: any text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.%/]{0,30}$/)), (given) => {
      const network = parseNetwork(given)
      if (network) assert.ok(network.bits <= (network.family === 4 ? 32 : 128))
    }),
  )
})
