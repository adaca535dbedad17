import { useRouteError } from 'react-router';

import { Button, ButtonLink, Empty, Note } from '../ui/parts';

/** A page that failed while it was shown; most likely a newer console is on the server, and this one's files are gone. */
export function Broken() {
  const error = useRouteError();
  return (
    <div className="page">
      <Note tone="bad" action={<Button onPress={() => location.reload()}>Load it anew</Button>}>
        This page could not be shown. Load it anew; nothing that was stored has changed.
        <span className="request">
          <code>{error instanceof Error ? error.message : String(error)}</code>
        </span>
      </Note>
    </div>
  );
}

export function NotFound() {
  return (
    <div className="page">
      <Empty title="There is no such page" action={<ButtonLink to="/accounts">To the accounts</ButtonLink>}>
        The address may be of an older console, or was cut on its way.
      </Empty>
    </div>
  );
}
