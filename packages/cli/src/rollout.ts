export const ROLLOUTS_PATH = '/api/rollouts'

export interface WaveView {
  readonly size: string
  readonly planned: number
  readonly state: 'waiting' | 'running' | 'done'
  readonly startTimeUtc?: string
  readonly endTimeUtc?: string
  readonly applied?: number
  readonly succeeded?: number
  readonly failed?: number
}

/** A rollout as the API shows it. */
export interface RolloutView {
  readonly id: string
  readonly configurationId: string
  readonly state: string
  readonly reason?: string
  /** From 1; 0 before the first. */
  readonly currentWave: number
  readonly waves: readonly WaveView[]
  readonly success?: string
  readonly failure?: string
  readonly successRatio: number
  readonly failureRatio: number
  readonly pause: string
  readonly wait: string
  readonly onFailure: string
  readonly calmSinceUtc?: string
  readonly createdTimeUtc: string
  readonly updatedTimeUtc: string
}

export function rolloutPath(id: string): string {
  return `${ROLLOUTS_PATH}/${encodeURIComponent(id)}`
}

/** Whether nothing will happen unless somebody does something. */
export function isAtRest({ state }: RolloutView): boolean {
  return ['completed', 'rolledBack', 'halted', 'paused'].includes(state)
}

/** `wave 2 of 3: 120 of 125 have it, 118 well, 0 failed` */
export function progressOf({ state, currentWave, waves }: RolloutView): string {
  const wave = waves[currentWave - 1]
  if (!wave) return state
  const { planned, applied = 0, succeeded = 0, failed = 0 } = wave
  const counts = `${applied} of ${planned} have it, ${succeeded} well, ${failed} failed`
  return `${state}, wave ${currentWave} of ${waves.length}: ${counts}`
}

export function waveRows(waves: readonly WaveView[]): readonly (readonly string[])[] {
  return waves.map((wave, at) => [
    String(at + 1),
    wave.size,
    String(wave.planned),
    wave.state,
    ...[wave.applied, wave.succeeded, wave.failed].map((count) => String(count ?? '')),
    wave.startTimeUtc ?? '',
  ])
}

export const WAVE_HEAD: readonly string[] = [
  ...['WAVE', 'SIZE', 'TWINS', 'STATE'],
  ...['HAVE IT', 'WELL', 'FAILED', 'BEGAN'],
]
