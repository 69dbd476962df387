import { SqliteEnrollmentTokens } from '../../src/adapters/sqlite/enrollment-tokens.ts'
import { openHubDatabase } from '../../src/adapters/sqlite/hub-database.ts'
import { makeHub } from '../hub.ts'

// Makes enrolment tokens and redeems them without end, and prints the id of each whose credential has
// left: the process that is killed in `enrollment-tokens.test.ts`.
const [file = ''] = process.argv.slice(2)
const onFailure = (error: Error) => {
  throw error
}
const enrollmentTokens = new SqliteEnrollmentTokens(await openHubDatabase({ file, onFailure }))
const { identities, securityEnrollment } = makeHub({ enrollmentTokens })
const life = process.pid

for (let n = 0; ; n++) {
  const deviceId = `pump-${life}-${n}`
  await identities.createDevice(deviceId, {})
  const { text, token } = await securityEnrollment.create(deviceId, { createdBy: 'iothubowner' })
  await securityEnrollment.redeem(text, '127.0.0.1')
  process.stdout.write(`${token.tokenId}\n`)
}
