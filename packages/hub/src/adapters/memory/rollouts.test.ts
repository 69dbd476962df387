import { rolloutStoreContract } from '../../../test/contracts/rollout-store.ts'
import { MemoryRollouts } from './rollouts.ts'

rolloutStoreContract(async () => new MemoryRollouts())
