// The operations of a small client of Relay: it pages, refetches by node, changes something, and listens.
import { graphql } from 'relay-runtime';

export const row = graphql`
  fragment Timeline_row on Interaction {
    id
    subject
    snippet
    occurredAt
    account {
      id
      email
    }
    participants {
      role
      name
      address
      contact {
        id
        name
      }
    }
  }
`;

export const timeline = graphql`
  fragment Timeline_list on Query
  @refetchable(queryName: "TimelineNextPageQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 25 }
    cursor: { type: "String" }
    filter: { type: "TimelineFilter" }
  ) {
    timeline(first: $count, after: $cursor, filter: $filter) @connection(key: "Timeline_timeline", filters: ["filter"]) {
      changesCursor
      edges {
        node {
          ...Timeline_row
        }
      }
    }
  }
`;

export const screen = graphql`
  query TimelineQuery($filter: TimelineFilter) {
    viewer {
      id
      accounts {
        id
        state
      }
    }
    ...Timeline_list @arguments(filter: $filter)
  }
`;

export const changes = graphql`
  subscription TimelineChangesSubscription($after: String, $filter: TimelineFilter) {
    timelineChanges(after: $after, filter: $filter, first: 50) {
      cursor
      reset
      added {
        ...Timeline_row
      }
      changed {
        ...Timeline_row
      }
      removed
    }
  }
`;
