import { indicatorStoreContract } from '../../../test/contracts/indicator-store.ts'
import { ruleSettingStoreContract } from '../../../test/contracts/rule-setting-store.ts'
import { MemoryIndicatorStore } from './indicator-store.ts'
import { MemoryRuleSettingStore } from './rule-setting-store.ts'

indicatorStoreContract(async () => new MemoryIndicatorStore())
ruleSettingStoreContract(async () => new MemoryRuleSettingStore())
