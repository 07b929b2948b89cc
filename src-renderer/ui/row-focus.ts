import { createContext, useContext } from 'react';

/** Inside of a table only the controls of the active row are stops of the Tab key; outside of one every control is. */
export const RowActive = createContext<boolean | undefined>(undefined);

export function useRowTabIndex(): number {
  return useContext(RowActive) === false ? -1 : 0;
}
