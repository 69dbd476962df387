/** Security groups, as operators wrote them. */
export const createGroups = 'SELECT 1'
