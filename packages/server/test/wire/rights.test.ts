import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { after, before, test } from 'node:test'
import { SECURITY_INTERFACE_ID, sasResource } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { identityToken, serviceToken, startTestServer, type TestServer } from '../server.ts'

// Which credential opens which route (05 §2, 06 §4): every route that the server registers against
// every policy, a device, its module, a stranger and nobody.

const R = 'RegistryRead'
const W = 'RegistryWrite'
const S = 'ServiceConnect'
const D = 'DeviceConnect'
const ER = 'EnrollmentRead'
const EW = 'EnrollmentWrite'
const RR = 'RegistrationStatusRead'
const RW = 'RegistrationStatusWrite'
type Right = typeof R | typeof W | typeof S | typeof D | ProvisioningRight
type ProvisioningRight = typeof ER | typeof EW | typeof RR | typeof RW

const POLICIES: Readonly<Record<string, readonly Right[]>> = {
  iothubowner: [R, W, S, D],
  service: [S],
  device: [D],
  registryRead: [R],
  registryReadWrite: [R, W],
  provisioningserviceowner: [ER, EW, RR, RW],
}

/** Rights of which one is enough, or all of them; identities that need no right. */
interface Rule {
  readonly anyOf?: readonly Right[]
  readonly allOf?: readonly Right[]
  readonly identities?: readonly ('the device' | 'the module')[]
}
type Expectation = Rule | 'everybody'

const asDevice: Rule = { anyOf: [D], identities: ['the device'] }
const asModule: Rule = { anyOf: [D], identities: ['the module'] }
const read: Rule = { anyOf: [R] }
const write: Rule = { anyOf: [W] }
const service: Rule = { anyOf: [S] }
const readEnrollments: Rule = { anyOf: [ER, EW, R] }
const writeEnrollments: Rule = { anyOf: [EW, W] }
const readEvents: Rule = { anyOf: [R, S] }
/** Devices show the credential of their enrolment; nobody here has one. */
const asRegistrant: Rule = {}

const EXPECTED: Readonly<Record<string, Expectation>> = {
  'GET /devices': read,
  'POST /devices': write,
  'GET /devices/:deviceId': read,
  'PUT /devices/:deviceId': write,
  'DELETE /devices/:deviceId': write,
  'GET /devices/:deviceId/modules': read,
  // The module is the device's own security module (13, quirk 2).
  'GET /devices/:deviceId/modules/:moduleId': { anyOf: [R], identities: ['the device'] },
  'PUT /devices/:deviceId/modules/:moduleId': write,
  'DELETE /devices/:deviceId/modules/:moduleId': write,
  'GET /twins/:deviceId': service,
  'PATCH /twins/:deviceId': service,
  'PUT /twins/:deviceId': service,
  'GET /twins/:deviceId/modules/:moduleId': service,
  'PATCH /twins/:deviceId/modules/:moduleId': service,
  'PUT /twins/:deviceId/modules/:moduleId': service,
  'POST /twins/:deviceId/methods': service,
  'POST /twins/:deviceId/modules/:moduleId/methods': service,
  'POST /devices/query': service,
  'GET /digitaltwins/:deviceId': service,
  'PATCH /digitaltwins/:deviceId': service,
  'POST /digitaltwins/:deviceId/commands/:command': service,
  'POST /digitaltwins/:deviceId/components/:component/commands/:command': service,
  'POST /devices/:deviceId/messages/events': asDevice,
  'POST /devices/:deviceId/modules/:moduleId/messages/events': asModule,
  'POST /devices/:deviceId/files': asDevice,
  'POST /devices/:deviceId/files/notifications': asDevice,
  'POST /devices/:deviceId/files/notifications/:correlationId': asDevice,
  'GET /devices/:deviceId/messages/deviceBound': asDevice,
  'DELETE /devices/:deviceId/messages/deviceBound/:lock': asDevice,
  'POST /devices/:deviceId/messages/deviceBound/:lock/abandon': asDevice,
  'DELETE /devices/:deviceId/commands': service,
  'GET /messages/serviceBound/feedback': service,
  'DELETE /messages/serviceBound/feedback/:lock': service,
  'POST /messages/serviceBound/feedback/:lock/abandon': service,
  'GET /statistics/devices': read,
  'GET /statistics/service': read,
  'POST /jobs/create': write,
  'GET /configurations': { anyOf: [R, S] },
  'GET /configurations/:id': { anyOf: [R, S] },
  'PUT /configurations/:id': { anyOf: [W, S] },
  'DELETE /configurations/:id': { anyOf: [W, S] },
  'POST /configurations/testQueries': { anyOf: [R, S] },
  'POST /devices/:deviceId/applyConfigurationContent': { anyOf: [W, S] },
  'PUT /jobs/v2/:id': { anyOf: [W, S] },
  'GET /jobs/v2/query': { anyOf: [R, S] },
  'GET /jobs/v2/:id': { anyOf: [R, S] },
  'POST /jobs/v2/:id/cancel': { anyOf: [W, S] },
  'POST /api/configurations/plan': { anyOf: [R, S] },
  'GET /api/rollouts': { anyOf: [R, S] },
  'GET /api/rollouts/:id': { anyOf: [R, S] },
  'PUT /api/rollouts/:id': { anyOf: [W, S] },
  'DELETE /api/rollouts/:id': { anyOf: [W, S] },
  'POST /api/rollouts/:id/pause': { anyOf: [W, S] },
  'POST /api/rollouts/:id/resume': { anyOf: [W, S] },
  'POST /api/rollouts/:id/advance': { anyOf: [W, S] },
  'POST /api/rollouts/:id/rollback': { anyOf: [W, S] },
  'GET /api/ip-filter': read,
  'PUT /api/ip-filter': write,
  'GET /jobs': read,
  'GET /jobs/:jobId': read,
  'DELETE /jobs/:jobId': write,
  'PUT /enrollments/:id': writeEnrollments,
  'DELETE /enrollments/:id': writeEnrollments,
  'POST /enrollments/:id/attestationmechanism': writeEnrollments,
  'GET /enrollments/:id': readEnrollments,
  'POST /enrollments/query': readEnrollments,
  'POST /enrollments': writeEnrollments,
  'PUT /enrollmentGroups/:id': writeEnrollments,
  'DELETE /enrollmentGroups/:id': writeEnrollments,
  'POST /enrollmentGroups/:id/attestationmechanism': writeEnrollments,
  'GET /enrollmentGroups/:id': readEnrollments,
  'POST /enrollmentGroups/query': readEnrollments,
  'GET /registrations/:id': { anyOf: [RR, RW, R] },
  'DELETE /registrations/:id': { anyOf: [RW, W] },
  'POST /registrations/:id/query': { anyOf: [RR, RW, R] },
  'PUT /:idScope/registrations/:registrationId/register': asRegistrant,
  'GET /:idScope/registrations/:registrationId/operations/:operationId': asRegistrant,
  'POST /:idScope/registrations/:registrationId': asRegistrant,
  'GET /api/provisioning': readEnrollments,
  'GET /api/provisioning/enrollments': readEnrollments,
  'GET /api/certificates': read,
  'GET /api/certificates/:name': read,
  'PUT /api/certificates/:name': write,
  'DELETE /api/certificates/:name': write,
  'POST /api/certificates/:name/generateVerificationCode': write,
  'POST /api/certificates/:name/verify': write,
  'GET /api/audit': read,
  'GET /api/events': readEvents,
  'GET /api/events/consumer-groups': readEvents,
  'GET /api/events/consumer-groups/:name': readEvents,
  'PUT /api/events/consumer-groups/:name': write,
  'DELETE /api/events/consumer-groups/:name': write,
  'GET /api/registry/export': { allOf: [R, S] },
  'POST /api/registry/import': { allOf: [W, S] },
  'POST /api/devices/:deviceId/messages/deviceBound': service,
  'DELETE /api/devices/:deviceId/messages/deviceBound': service,
  'POST /api/devices/:deviceId/modules/:moduleId/messages/deviceBound': service,
  'DELETE /api/devices/:deviceId/modules/:moduleId/messages/deviceBound': service,
  'GET /api/devices/:deviceId/configurations': { anyOf: [R, S] },
  'GET /api/devices/:deviceId/modules/:moduleId/configurations': { anyOf: [R, S] },
  'GET /api/routing': read,
  'PUT /api/routing': write,
  'PUT /api/routing/routes/:name': write,
  'DELETE /api/routing/routes/:name': write,
  'PUT /api/routing/enrichments/:key': write,
  'DELETE /api/routing/enrichments/:key': write,
  'POST /api/routing/test': read,
  'GET /api/devices/:deviceId/security/credentials': read,
  'POST /api/devices/:deviceId/security/credentials/rotate': write,
  'GET /api/devices/:deviceId/security/enrollment-tokens': read,
  'POST /api/devices/:deviceId/security/enrollment-tokens': write,
  'DELETE /api/devices/:deviceId/security/enrollment-tokens/:tokenId': write,
  'GET /metrics': service,
  // The token of the body is all that counts: none, and the body is wrong.
  'POST /api/security/enroll': 'everybody',
  // Agents get their checks by a hash that only their twins and operators know.
  'GET /api/security/baseline/custom-checks/:sha256': 'everybody',
  'GET /health': 'everybody',
  'GET /openapi.json': 'everybody',
}

/** Groups of routes whose rule stands in one place. */
const EXPECTED_BELOW: readonly (readonly [RegExp, Expectation])[] = [
  [/^[A-Z]+ \/api\/(security|devices\/:deviceId\/security)(\/|$)/, service],
  [/^GET \/schemas\//, 'everybody'],
  [/^GET \/(console\.\w+|favicon\.svg)?$/, 'everybody'],
]

function expectationOf(route: string): Expectation | undefined {
  const key = route.replace(/^HEAD /, 'GET ')
  return EXPECTED[key] ?? EXPECTED_BELOW.find(([pattern]) => pattern.test(key))?.[1]
}

const routes: string[] = []
let server: TestServer
let agent: Agent
const credentials = new Map<string, string | undefined>()

before(async () => {
  // Tests that share this process may start servers of their own meanwhile.
  const found = new Set<string>()
  const collect = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) found.add(`${one} ${url}`)
    })
  }
  diagnostics.subscribe('fastify.initialization', collect)
  server = await startTestServer()
  diagnostics.unsubscribe('fastify.initialization', collect)
  routes.push(...found)
  agent = new Agent({ keepAlive: true, maxSockets: 4, ca: readFileSync(server.caFile) })
  for (const deviceId of ['pump-1', 'stranger']) {
    await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  }
  const token = async (deviceId: string, moduleId?: string) => {
    const path = moduleId ? `/devices/${deviceId}/modules/${moduleId}` : `/devices/${deviceId}`
    const { body } = await server.call('GET', path)
    return identityToken(
      sasResource(server.host, { deviceId, ...(moduleId && { moduleId }) }),
      body,
    )
  }
  credentials.set('nobody', undefined)
  credentials.set('the device', await token('pump-1'))
  credentials.set('the module', await token('pump-1', 'azureiotsecurity'))
  credentials.set('another device', await token('stranger'))
  credentials.set('a bearer token', 'Bearer abc')
  for (const name of Object.keys(POLICIES)) {
    credentials.set(name, serviceToken(server.host, server.dataDir, name))
  }
})

after(async () => {
  agent.destroy()
  await server[Symbol.asyncDispose]()
})

test('each route has an expectation here, and each expectation a route', () => {
  const unknown = routes.filter((route) => expectationOf(route) === undefined)
  assert.deepEqual(unknown, [], 'say in EXPECTED who may use it')
  const gone = Object.keys(EXPECTED).filter((route) => !routes.includes(route))
  assert.deepEqual(gone, [])
})

test('each route opens for who has the right, and answers 401 to all others before it reads a body', async () => {
  const wrong: string[] = []
  const checks = routes.flatMap((route) =>
    [...credentials].map(([who, token]) => ({ route, who, token })),
  )
  const worker = async () => {
    for (let check = checks.pop(); check; check = checks.pop()) {
      const { route, who, token } = check
      const isOpen = mayUse(expectationOf(route) ?? {}, who)
      const status = await statusOf(route, token)
      if ((status !== 401) !== isOpen) wrong.push(`${route} as ${who}: ${status}`)
    }
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  assert.deepEqual(wrong, [])
})

function mayUse(rule: Expectation, who: string): boolean {
  if (rule === 'everybody') return true
  if (who === 'the device' || who === 'the module') return rule.identities?.includes(who) ?? false
  const rights = POLICIES[who] ?? []
  if (rule.allOf) return rule.allOf.every((right) => rights.includes(right))
  return rule.anyOf?.some((right) => rights.includes(right)) ?? false
}

let asked = 0

/** Asks for something that changes nothing even where it is allowed: no If-Match, no valid body. */
function statusOf(route: string, token: string | undefined): Promise<number> {
  const [method = '', url = ''] = route.split(' ')
  const path = url
    .replace(':deviceId', 'pump-1')
    .replace(':moduleId', 'azureiotsecurity')
    // Another each time: what is asked about one registration is limited.
    .replace(':registrationId', `registration-${++asked}`)
    .replace(/:\w+/g, 'x')
  return new Promise((resolve, reject) => {
    const call = request({
      agent,
      host: server.host,
      port: server.ready.httpsPort,
      method,
      path: `${path}?api-version=2021-04-12`,
      headers: {
        ...(token !== undefined && { authorization: token }),
        // All that a security module may send.
        'iothub-interface-id': SECURITY_INTERFACE_ID,
      },
    })
    call.on('error', reject)
    call.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      // The stream of findings never ends by itself.
      const isEndless = response.headers['content-type']?.startsWith('text/event-stream')
      if (isEndless) response.destroy()
      else response.resume()
    })
    call.end()
  })
}
