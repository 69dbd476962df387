import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from './api-client.ts'
import { isAtRest, progressOf, type RolloutView, rolloutPath } from './rollout.ts'

/** How often the server is asked. */
const POLL_MS = 1000

/** Tells what happens to a rollout until nothing will happen by itself any more. */
export async function followRollout(
  api: Api,
  id: string,
  note: (text: string) => void,
): Promise<RolloutView> {
  let told = ''
  for (;;) {
    const rollout = await api.get<RolloutView>(rolloutPath(id))
    const text = progressOf(rollout)
    if (text !== told) note(text)
    told = text
    if (isAtRest(rollout)) return rollout
    await sleep(POLL_MS)
  }
}
