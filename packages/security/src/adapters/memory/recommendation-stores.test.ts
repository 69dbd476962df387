import { credentialStoreContract } from '../../../test/contracts/credential-store.ts'
import { recommendationNotesContract } from '../../../test/contracts/recommendation-notes.ts'
import { typeSwitchStoreContract } from '../../../test/contracts/type-switch-store.ts'
import { vulnerabilityStoreContract } from '../../../test/contracts/vulnerability-store.ts'
import { MemoryCredentialStore } from './credential-store.ts'
import { MemoryFindingStore } from './finding-store.ts'
import { MemoryTypeSwitchStore } from './type-switch-store.ts'
import { MemoryVulnerabilityStore } from './vulnerability-store.ts'

credentialStoreContract(async () => new MemoryCredentialStore())
typeSwitchStoreContract(async () => new MemoryTypeSwitchStore())
vulnerabilityStoreContract(async () => new MemoryVulnerabilityStore())
recommendationNotesContract(async () => new MemoryFindingStore())
