// A page that asks by Relay: its store, its compiler's artifacts, and a list that pages in React.

import { Suspense, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import {
  RelayEnvironmentProvider,
  commitMutation,
  fetchQuery,
  graphql,
  requestSubscription,
  useLazyLoadQuery,
  usePaginationFragment,
} from 'react-relay';

import { runInPage } from '../page.js';
import { check, copyInStep, iterate } from '../story.js';

// begin client
import { createClient } from 'graphql-ws';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';

export function createEnvironment(url, freshToken) {
  const authorization = async () => `Bearer ${await freshToken()}`;
  async function send({ text, name }, variables) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json',
        'content-type': 'application/json',
        authorization: await authorization(),
      },
      body: JSON.stringify({ query: text, operationName: name, variables }),
      // For the cookie that `connect` sets, and only where the page is on the API's site.
      credentials: 'include',
    });
    return answer.json();
  }
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: async () => ({ authorization: await authorization() }),
    retryAttempts: Infinity,
    keepAlive: 20_000,
  });
  const listen = ({ text, name }, variables) =>
    Observable.create((sink) => socket.subscribe({ query: text, operationName: name, variables }, sink));
  return new Environment({ network: Network.create(send, listen), store: new Store(new RecordSource()) });
}
// end client

const QUERIES = {
  accounts: graphql`
    query StoryAccountsQuery {
      viewer {
        accounts {
          id
          email
        }
      }
    }
  `,
  timeline: graphql`
    query StoryEmptyQuery($first: Int) {
      timeline(first: $first) {
        changesCursor
        edges {
          node {
            id
          }
        }
      }
    }
  `,
  batch: graphql`
    query StoryBatchQuery($id: ID!) {
      node(id: $id) {
        __typename
        ... on Batch {
          state
        }
      }
    }
  `,
};

const MUTATIONS = {
  connect: graphql`
    mutation StoryConnectMutation($input: ConnectInput!) {
      connect(input: $input) {
        authorizationUrl
        userErrors {
          code
          message
        }
      }
    }
  `,
  preview: graphql`
    mutation StoryPreviewMutation($input: PreviewInput!) {
      preview(input: $input) {
        preview {
          id
          mail {
            atLeast
          }
        }
        userErrors {
          code
          message
        }
      }
    }
  `,
  approve: graphql`
    mutation StoryApproveMutation($input: ApproveInput!) {
      approve(input: $input) {
        batch {
          id
          state
        }
        userErrors {
          code
          message
        }
      }
    }
  `,
  undo: graphql`
    mutation StoryUndoMutation($input: UndoInput!) {
      undo(input: $input) {
        batch {
          id
          state
        }
        counts {
          service
          removed
        }
        userErrors {
          code
          message
        }
      }
    }
  `,
};

const CHANGES = graphql`
  subscription StoryChangesSubscription($after: String) {
    timelineChanges(after: $after) {
      cursor
      reset
      added {
        id
      }
      changed {
        id
      }
      removed
    }
  }
`;

// begin progress
const PROGRESS = graphql`
  subscription StoryProgressSubscription($batchId: ID!, $after: Int) {
    batchProgress(batchId: $batchId, after: $after) {
      seq
      percent
      batch {
        id
        state
        error
        counts {
          stored
        }
      }
    }
  }
`;

/** Every state goes into the store, too: whoever shows this batch shows it as it is. */
export function watchBatch(environment, variables, { next, error, complete }) {
  return requestSubscription(environment, {
    subscription: PROGRESS,
    variables,
    onNext: ({ batchProgress }) => next(batchProgress),
    onError: error,
    onCompleted: complete,
  });
}
// end progress

// begin paging
const SCREEN = graphql`
  query StoryTimelineQuery($filter: TimelineFilter) {
    ...Story_timeline @arguments(filter: $filter)
  }
`;

const LIST = graphql`
  fragment Story_timeline on Query
  @refetchable(queryName: "StoryTimelinePageQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 25 }
    cursor: { type: "String" }
    filter: { type: "TimelineFilter" }
  ) {
    timeline(first: $count, after: $cursor, filter: $filter) @connection(key: "Story_timeline") {
      edges {
        node {
          id
          kind
          subject
        }
      }
    }
  }
`;

function Timeline({ filter, onEnd }) {
  const screen = useLazyLoadQuery(SCREEN, { filter }, { fetchPolicy: 'network-only' });
  const { data, hasNext, isLoadingNext, loadNext } = usePaginationFragment(LIST, screen);
  const { edges } = data.timeline;
  useEffect(() => {
    if (hasNext && !isLoadingNext) loadNext(25);
    if (!hasNext) onEnd(edges.map(({ node }) => node));
  }, [edges, hasNext, isLoadingNext, loadNext, onEnd]);
  return edges.map(({ node }) => <p key={node.id}>{node.subject}</p>);
}
// end paging

function start({ url, token }) {
  const environment = createEnvironment(url, async () => token);
  const stored = (id) => environment.getStore().getSource().get(id);
  async function ask(name, variables) {
    if (!MUTATIONS[name]) return fetchQuery(environment, QUERIES[name], variables).toPromise();
    return new Promise((resolve, reject) => {
      commitMutation(environment, {
        mutation: MUTATIONS[name],
        variables,
        onCompleted: (data, errors) => (errors ? reject(errors[0]) : resolve(data)),
        onError: reject,
      });
    });
  }
  return {
    ask,
    async *watchBatch(batchId, after) {
      for await (const progress of iterate((sink) => watchBatch(environment, { batchId, after }, sink))) {
        check(stored(batchId).state === progress.batch.state, `the store has ${stored(batchId).state}`);
        yield progress;
      }
      const { node } = await ask('batch', { id: batchId });
      check(node.state === stored(batchId).state, `the batch is found again as ${JSON.stringify(node)}`);
    },
    followTimeline(copy, after) {
      const changes = iterate(({ next, error, complete }) =>
        requestSubscription(environment, {
          subscription: CHANGES,
          variables: { after },
          onNext: ({ timelineChanges }) => next(timelineChanges),
          onError: error,
          onCompleted: complete,
        }),
      );
      return copyInStep(copy, changes);
    },
    async *readTimeline(filter) {
      const root = createRoot(document.getElementById('root'));
      yield await new Promise((onEnd) => {
        root.render(
          <RelayEnvironmentProvider environment={environment}>
            <Suspense fallback="...">
              <Timeline filter={filter} onEnd={onEnd} />
            </Suspense>
          </RelayEnvironmentProvider>,
        );
      });
      root.unmount();
    },
    close: () => undefined,
  };
}

runInPage(start);
