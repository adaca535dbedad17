import { graphql } from 'relay-runtime';

// Backward, and found again by its id.
export const letters = graphql`
  fragment Contact_letters on Contact
  @refetchable(queryName: "ContactLettersQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
    name
    timeline(last: $count, before: $cursor) @connection(key: "Contact_timeline") {
      edges {
        node {
          id
          ...Timeline_row
        }
      }
    }
  }
`;

export const screen = graphql`
  query ContactQuery($id: ID!) {
    node(id: $id) {
      ...Contact_letters @alias
    }
  }
`;
