import { graphql } from 'relay-runtime';

export const batch = graphql`
  fragment Batch_state on Batch @refetchable(queryName: "BatchRefetchQuery") {
    id
    state
    counts {
      listed
      stored
    }
  }
`;

export const approve = graphql`
  mutation BatchApproveMutation($input: ApproveInput!) {
    approve(input: $input) {
      batch {
        ...Batch_state
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;

export const progress = graphql`
  subscription BatchProgressSubscription($id: ID!, $after: Int) {
    batchProgress(batchId: $id, after: $after) {
      seq
      percent
      batch {
        ...Batch_state
      }
    }
  }
`;

export const standing = graphql`
  subscription BatchAccountsSubscription {
    accountStatus {
      id
      state
      stateReason
    }
  }
`;

export const undone = graphql`
  query BatchListQuery {
    batches(first: 10) @connection(key: "Batch_batches") {
      edges {
        node {
          ...Batch_state
        }
      }
    }
  }
`;
