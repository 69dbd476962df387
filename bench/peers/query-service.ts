import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import postgres, { type ParameterOrJSON } from 'postgres'
import { questions } from './query-store.ts'

/**
 * PostgreSQL as services would reach it: a Fastify server over HTTPS that runs the SQL of a question
 * and answers its rows, `{name, params}` → `[row, …]`. It checks no token.
 */
interface Settings {
  readonly databaseUrl: string
  readonly applicationName: string
  readonly certFile: string
  readonly keyFile: string
}

const settings = JSON.parse(process.env.QUERY_SETTINGS ?? '{}') as Settings
const connection = { application_name: settings.applicationName }
const sql = postgres(settings.databaseUrl, { max: 1, connection })
await sql`SELECT 1`
const app = fastify({
  https: { cert: readFileSync(settings.certFile), key: readFileSync(settings.keyFile) },
})
app.post<{ Body: { name: string; params: ParameterOrJSON<never>[] } }>(
  '/query',
  async (request, reply) => {
    const { name, params } = request.body
    const question = questions.find((one) => one.name === name)
    if (!question) return reply.code(404).send()
    return sql.unsafe(question.sql, params, { prepare: true })
  },
)
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo
process.stdout.write(`${JSON.stringify({ event: 'ready', port })}\n`)
