/** What queries need beside the entries. */
export const createQueryColumns = 'SELECT 1'
