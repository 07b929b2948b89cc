import { CircleAlert, KeyRound, LogIn, LogOut } from 'lucide-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import type { StoredLogin } from '../../../src-main/contract/registry.ts';
import { toEngineError } from '../../client/notices.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorWords } from '../../ui/error-box.tsx';
import { FullState, Loading, Page } from '../../ui/page.tsx';
import { LoginDialog } from './login-dialog.tsx';
import { logOut, useLogins } from './queries.ts';

/** Who one is at which registry, and where that is kept. */
export function RegistriesPage() {
  const { t } = useText();
  const [params, setParams] = useSearchParams();
  const asked = params.get('login');
  const openLogin = (registry: string) => {
    setParams({ login: registry }, { replace: true });
  };
  const login = (
    <Button
      variant="primary"
      icon={LogIn}
      onClick={() => {
        openLogin('');
      }}
    >
      {t('registries.loginDots')}
    </Button>
  );
  return (
    <Page title={t('registries.title')} actions={login}>
      <div className="registries">
        <p className="muted">{t('registries.intro')}</p>
        <Logins onLogin={openLogin} />
      </div>
      {asked === null ? null : (
        <LoginDialog
          key={asked}
          registry={asked}
          onClose={() => {
            setParams({}, { replace: true });
          }}
        />
      )}
    </Page>
  );
}

function Logins({ onLogin }: { readonly onLogin: (registry: string) => void }) {
  const { t } = useText();
  const query = useLogins();
  const [leaving, setLeaving] = useState<StoredLogin>();
  if (query.isPending) return <Loading />;
  if (!query.data)
    return (
      <FullState icon={CircleAlert} tone="bad" title={t('registries.failed')} hint={<ErrorWords error={toEngineError(query.error)} />}>
        <Button onClick={() => void query.refetch()}>{t('common.retry')}</Button>
      </FullState>
    );
  const { logins, warnings } = query.data;
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} className="notice-line" role="status">
          <CircleAlert size={14} aria-hidden className="tone-warn" />
          <span>
            {t('registries.unreadable')} <span lang="en">{warning}</span>
          </span>
        </p>
      ))}
      {logins.length === 0 ? (
        <FullState icon={KeyRound} title={t('registries.empty')} hint={t('registries.emptyHint')} />
      ) : (
        <section className="section">
          <table className="plain-table registries-table">
            <caption className="visually-hidden">{t('registries.title')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('registries.columnRegistry')}</th>
                <th scope="col">{t('registries.columnUser')}</th>
                <th scope="col">{t('registries.columnKept')}</th>
                <th scope="col">
                  <span className="visually-hidden">{t('common.actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {logins.map((login) => (
                <LoginRow key={login.key} login={login} onLogin={onLogin} onLeave={setLeaving} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {leaving ? (
        <LogoutDialog
          login={leaving}
          onClose={() => {
            setLeaving(undefined);
          }}
        />
      ) : null}
    </>
  );
}

interface LoginRowProps {
  readonly login: StoredLogin;
  readonly onLogin: (registry: string) => void;
  readonly onLeave: (login: StoredLogin) => void;
}

function LoginRow({ login, onLogin, onLeave }: LoginRowProps) {
  const { t } = useText();
  const { key, username, hasToken, kind, storedIn, own } = login;
  return (
    <tr>
      <th scope="row">{key}</th>
      <td>{username === '' ? <span className="muted">{t(hasToken ? 'registries.token' : 'registries.onDemand')}</span> : username}</td>
      <td>
        <span>{t(`registries.kind.${kind}`)}</span>
        <span className="with-copy">
          <code>{storedIn}</code>
          <CopyButton value={storedIn} what={t('registries.columnKept')} />
        </span>
      </td>
      <td className="cell-end">
        {own ? (
          <Button
            icon={LogOut}
            aria-label={t('registries.logoutOf', { registry: key })}
            onClick={() => {
              onLeave(login);
            }}
          >
            {t('registries.logoutDots')}
          </Button>
        ) : (
          <Button
            icon={LogIn}
            title={t('registries.ownHint')}
            aria-label={t('registries.loginAt', { registry: key })}
            onClick={() => {
              onLogin(key);
            }}
          >
            {t('registries.loginDots')}
          </Button>
        )}
      </td>
    </tr>
  );
}

function LogoutDialog({ login, onClose }: { readonly login: StoredLogin; readonly onClose: () => void }) {
  const { t } = useText();
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('registries.logoutTitle', { registry: login.key })}
      description={t('registries.logoutIntro')}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant="danger"
            icon={LogOut}
            onClick={() => {
              onClose();
              void logOut(login);
            }}
          >
            {t('registries.logout')}
          </Button>
        </>
      }
    >
      <p className="muted registries-place">
        <code>{login.storedIn}</code>
      </p>
    </Dialog>
  );
}
