import type { Segment } from '../command/command.ts'
import { type Clue, segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { containerCall } from '../sets/containers.ts'
import { minerIn } from '../sets/miners.ts'

const type: AlertType = {
  number: 20,
  alertType: 'IoT_CryptoMinerContainer',
  displayName: 'Crypto coin miner container image',
  severity: 'Medium',
  intent: 'Impact',
  description:
    'A container image is fetched or started whose name says that it mines crypto coins. Exposed ' +
    'container services are searched for and used in this way around the clock.',
  remediationSteps: [
    'Check whether somebody runs this container on purpose.',
    'If not, stop and delete container and image, and look for what starts it again.',
    'Keep the container service off network sockets without client certificates; see who can ' +
      'reach it now.',
    'Look for other containers that nobody knows, and hand over to your security team.',
  ],
  techniques: ['T1496', 'T1610'],
}

/** Container images with the name of a miner. */
export const cryptoMinerContainer: Rule = segmentRule(
  type,
  usesImage,
  inLine(
    [
      ['a container tool is called', (segment) => containerCall(segment) !== undefined],
      ['it runs, pulls or creates', (segment) => FETCHING.has(containerCall(segment)?.verb ?? '')],
    ],
    'the name of the image is one of a miner',
  ),
)

function usesImage(segment: Segment): Clue | undefined {
  const call = containerCall(segment)
  if (!call || !FETCHING.has(call.verb) || !isMinerImage(call.image)) return undefined
  return { seen: `the image ${call.image} is used`, key: call.image }
}

const FETCHING: ReadonlySet<string> = new Set(['run', 'pull', 'create'])
const COINS = [
  'xmrig',
  'monero',
  'minerd',
  'cpuminer',
  'cryptonight',
  'ethminer',
  'xmr-stak',
] as const
const WORDS: ReadonlySet<string> = new Set(['miner', 'cryptominer', 'xmr', 'coinminer'])

function isMinerImage(image: string): boolean {
  const name = image.toLowerCase()
  if (COINS.some((coin) => name.includes(coin))) return true
  return name.split(/[/_:.-]/).some((word) => WORDS.has(word)) || minerIn(name) !== undefined
}
