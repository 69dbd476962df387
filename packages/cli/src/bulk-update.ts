import type { Api } from './api-client.ts'
import { CommandError, type Context } from './command.ts'
import { printable } from './output.ts'

const BULK = '/api/security/alerts/bulk'

/** Which alerts, in the words of the API. */
export type BulkFilter = { readonly [name: string]: string | undefined }

interface Outcome {
  readonly matched: number
  readonly changed: number
  readonly unchanged: number
  readonly refusedCount: number
  readonly refused: readonly { readonly id: string; readonly reason: string }[]
  readonly continuationToken: string | null
}

interface Request {
  readonly filter: BulkFilter
  readonly change: object
  /** Nobody is asked. */
  readonly isSure: boolean
}

/** Changes every alert of a filter, page by page; asks before, and says how far it is. */
export async function updateAll(
  api: Api,
  context: Context,
  { filter, change, isSure }: Request,
): Promise<void> {
  const { out } = context
  const filters = Object.fromEntries(Object.entries(filter).filter(([, value]) => value))
  const { matched } = await eachPage(api, { filter: filters, change, dryRun: true }, () => {})
  if (matched === 0) {
    if (out.isJson) out.json({ matched, changed: 0, unchanged: 0, refusedCount: 0, refused: [] })
    else out.note('No such alerts; nothing was changed.')
    return
  }
  if (!isSure && !(await isConfirmed(context, `Change ${matched} alerts? Type yes: `))) {
    throw new CommandError('Nothing was changed. To be asked nothing, add --yes.')
  }
  const progress = (sum: Outcome) => {
    if (sum.continuationToken !== null) out.note(`${sum.matched} of about ${matched} alerts …`)
  }
  const outcome = await eachPage(api, { filter: filters, change }, progress)
  const { continuationToken: _, ...counts } = outcome
  if (out.isJson) return out.json(counts)
  out.print(`Changed ${counts.changed} alerts; ${counts.unchanged} were so already.`)
  if (counts.refusedCount === 0) return
  out.note(`Refused: ${counts.refusedCount}, such as`)
  for (const { id, reason } of counts.refused.slice(0, 5)) out.note(printable(`  ${id}: ${reason}`))
}

/** The sum over all pages. */
async function eachPage(api: Api, body: object, tell: (sum: Outcome) => void): Promise<Outcome> {
  let sum = await api.post<Outcome>(BULK, body)
  while (sum.continuationToken !== null) {
    tell(sum)
    const { continuationToken } = sum
    const next = await api.post<Outcome>(BULK, { ...body, continuationToken })
    sum = {
      matched: sum.matched + next.matched,
      changed: sum.changed + next.changed,
      unchanged: sum.unchanged + next.unchanged,
      refusedCount: sum.refusedCount + next.refusedCount,
      refused: [...sum.refused, ...next.refused].slice(0, 100),
      continuationToken: next.continuationToken,
    }
  }
  return sum
}

/** Whether the first line that comes in is `yes`. */
async function isConfirmed({ out, stdin }: Context, question: string): Promise<boolean> {
  out.note(question)
  let text = ''
  for await (const chunk of stdin) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.includes('\n') || text.length > 16) break
  }
  return ['y', 'yes'].includes((text.split('\n')[0] ?? '').trim().toLowerCase())
}
