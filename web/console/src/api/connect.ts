import { useState } from 'react';
import { useClient } from 'urql';

import { graphql } from '../gql';
import type { Service } from '../gql/graphql';

const Connect = graphql(/* GraphQL */ `
  mutation Connect($input: ConnectInput!) {
    connect(input: $input) {
      authorizationUrl
      userErrors {
        code
        message
      }
    }
  }
`);

/**
 * Begins to link an account, or to link it again, and leaves for Google's consent page. Google brings the browser back to the
 * accounts, with what came of it in the address.
 */
export function useConnect() {
  const client = useClient();
  const [isLeaving, setLeaving] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const connect = async (loginHint?: string, services?: Service[]) => {
    setLeaving(true);
    setProblem(null);
    const { data, error } = await client.mutation(Connect, {
      input: { returnTo: '/accounts', handOver: false, loginHint: loginHint ?? null, services: services ?? null },
    });
    const url = data?.connect.authorizationUrl;
    if (url) {
      location.assign(url);
      return;
    }
    setLeaving(false);
    setProblem(data?.connect.userErrors[0]?.message ?? error?.message ?? 'The link could not be begun.');
  };
  return { connect, isLeaving, problem };
}

/** What the browser came back with in `connectError`, in words. */
export const CONNECT_ERRORS: Record<string, string> = {
  CONSENT_DENIED: 'No access was granted, so nothing was linked. Link again and leave at least one box ticked.',
  BLOCKED_BY_ADMINISTRATOR: 'Your organisation does not allow this link. Ask its administrator.',
  CONNECT_FAILED: 'Google did not finish the link. Nothing was linked; try again.',
};
