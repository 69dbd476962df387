import { postureHistoryContract } from '../../../test/contracts/posture-history.ts'
import { MemoryPostureHistoryStore } from './posture-history-store.ts'

postureHistoryContract(async () => new MemoryPostureHistoryStore())
