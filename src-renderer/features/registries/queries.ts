/** What the page of registries asks of the engine. The only place of this feature that calls the client. */
import { useMutation, useQuery } from '@tanstack/react-query';
import type { StoredLogin } from '../../../src-main/contract/registry.ts';
import { cache } from '../../client/cache.ts';
import { engine } from '../../client/connection.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { text } from '../../text/text.ts';

const logins = ['logins'] as const;

/** Other programs write these files too, and nobody tells of it: asked for again whenever the page is opened or the window looked at. */
export function useLogins() {
  return useQuery({
    queryKey: logins,
    queryFn: ({ signal }) => engine().registry.logins({}, { signal }),
    staleTime: 0,
    refetchOnMount: 'always',
    refetchOnWindowFocus: 'always',
  });
}

export interface LoginRequest {
  readonly registry: string;
  readonly user: string;
  readonly password: string;
}

/** Rejects with what the registry or the network said; then nothing is kept. */
export function useLogin() {
  return useMutation<{ readonly key: string; readonly storedIn: string }, Error, LoginRequest>({
    mutationFn: ({ registry, user, password }) => engine().registry.login({ registry, user: { name: user, password } }),
    onSuccess: ({ key }) => {
      notify({ kind: 'done', title: text()('registries.loggedIn', { registry: key }) });
    },
    onSettled: refresh,
    // The password stays nowhere longer than the request.
    gcTime: 0,
  });
}

/** Reports by notices, never rejects. */
export async function logOut({ key }: StoredLogin): Promise<void> {
  const t = text();
  try {
    const { foreignFile } = await engine().registry.logout({ registry: key });
    if (foreignFile === undefined) notify({ kind: 'done', title: t('registries.loggedOut', { registry: key }) });
    else notify({ kind: 'warning', title: t('registries.foreign', { registry: key }), detail: foreignFile });
  } catch (error) {
    notifyFailure(t('registries.logoutFailed', { registry: key }), error);
  }
  await refresh();
}

async function refresh(): Promise<void> {
  await Promise.all([cache.invalidateQueries({ queryKey: logins }), cache.invalidateQueries({ queryKey: ['login'] })]);
}
