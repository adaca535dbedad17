DROP TABLE contacts;
DROP TABLE identities;
DROP TABLE interaction_people;
