//! A search of users: what it looks for, and in which fields.

use std::ops::Not;

use crate::events::open_enum::open_enum;
use crate::rest::facades::listing::Listing;
use crate::rest::facades::user_expand::{UserExpand, names};
use crate::rest::generated::PostUsersSearch;
use crate::rest::generated::models::{
    SearchSort, SearchSortOrder, UserSearchCriteria, UserSearchCriteriaOperator as Operator,
    UserSearchCriteriaType as Kind, UserSearchRequest,
};

open_enum! {
    /// A field of users that can be searched.
    pub enum UserField {
        /// The id.
        Id = "id",
        /// The name.
        Name = "name",
        /// The e-mail address.
        Email = "email",
        /// The name to sign in with.
        Username = "username",
        /// The department.
        Department = "department",
        /// The title.
        Title = "title",
        /// `active`, `inactive` or `deleted`.
        State = "state",
        /// The id of the division.
        DivisionId = "divisionId",
        /// The id of the manager.
        Manager = "manager",
        /// Ids of groups.
        Groups = "groups",
        /// Skills of the profile.
        ProfileSkills = "profileSkills",
    }
}

impl UserField {
    /// The field is exactly this.
    pub fn is(self, value: impl Into<Box<str>>) -> UserCriterion {
        UserCriterion::new(Kind::Exact, &self, value.into())
    }

    /// The field is exactly one of these.
    pub fn is_one_of(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> UserCriterion {
        UserCriterion(UserSearchCriteria {
            type_: Some(Kind::Exact),
            fields: Some(vec![self.as_str().into()]),
            values: Some(values.into_iter().map(|value| value.as_ref().into()).collect()),
            ..UserSearchCriteria::default()
        })
    }

    /// The field begins with this.
    pub fn starts_with(self, value: impl Into<Box<str>>) -> UserCriterion {
        UserCriterion::new(Kind::StartsWith, &self, value.into())
    }

    /// The field has this in it.
    pub fn contains(self, value: impl Into<Box<str>>) -> UserCriterion {
        UserCriterion::new(Kind::Contains, &self, value.into())
    }

    /// A word of the field is this.
    pub fn has_term(self, value: impl Into<Box<str>>) -> UserCriterion {
        UserCriterion::new(Kind::Term, &self, value.into())
    }
}

/// Something that users are searched by: made by methods of [`UserField`], and negated by `!`.
///
/// ```
/// use genesys_cloud::{UserCriterion, UserField};
///
/// let ada = UserField::Name.starts_with("Ada").or_in(UserField::Email);
/// let sales = UserCriterion::any_of([UserField::Department.is("Sales"), UserField::Title.contains("Account")]);
/// let active = !UserField::State.is_one_of(["inactive", "deleted"]);
/// let all = UserCriterion::all_of([ada, sales, active]);
/// assert!(serde_json::to_string(&all.into_model()).unwrap().contains("STARTS_WITH"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct UserCriterion(UserSearchCriteria);

impl UserCriterion {
    fn new(kind: Kind, field: &UserField, value: Box<str>) -> Self {
        Self(UserSearchCriteria {
            type_: Some(kind),
            fields: Some(vec![field.as_str().into()]),
            value: Some(value),
            ..UserSearchCriteria::default()
        })
    }

    /// The same in this field or in those that it has already.
    #[allow(clippy::needless_pass_by_value)] // It reads as a value.
    pub fn or_in(mut self, field: UserField) -> Self {
        self.0.fields.get_or_insert_default().push(field.as_str().into());
        self
    }

    /// All of these.
    pub fn all_of(criteria: impl IntoIterator<Item = Self>) -> Self {
        Self::group(criteria, &Operator::And)
    }

    /// At least one of these.
    pub fn any_of(criteria: impl IntoIterator<Item = Self>) -> Self {
        Self::group(criteria, &Operator::Or)
    }

    fn group(criteria: impl IntoIterator<Item = Self>, operator: &Operator) -> Self {
        let joined = |one: Self| {
            // What is negated stays so.
            let operator = one.0.operator.clone().unwrap_or_else(|| operator.clone());
            UserSearchCriteria { operator: Some(operator), ..one.0 }
        };
        let group = criteria.into_iter().map(joined).collect();
        Self(UserSearchCriteria { group: Some(group), ..UserSearchCriteria::default() })
    }

    /// What is sent.
    pub fn into_model(self) -> UserSearchCriteria {
        self.0
    }
}

impl From<UserSearchCriteria> for UserCriterion {
    /// For what has no method here, such as ranges of dates.
    fn from(criteria: UserSearchCriteria) -> Self {
        Self(criteria)
    }
}

impl Not for UserCriterion {
    type Output = Self;

    fn not(mut self) -> Self {
        let is_negated = self.0.operator == Some(Operator::Not);
        self.0.operator = (!is_negated).then_some(Operator::Not);
        self
    }
}

impl Listing<PostUsersSearch> {
    /// Only users for whom this holds; with several, all of them.
    pub fn matching(self, criterion: UserCriterion) -> Self {
        self.change(|request| request.query.get_or_insert_default().push(criterion.0))
    }

    /// The order; with several, the later decide among those that are the same by the earlier.
    pub fn sort_by(self, field: &UserField, order: SearchSortOrder) -> Self {
        let sort = SearchSort {
            sort_by: Some(field.as_str().into()),
            sort_order: Some(order),
            ..SearchSort::default()
        };
        self.change(|request| request.sort.get_or_insert_default().push(sort))
    }

    /// What each user comes with.
    pub fn expand(self, parts: impl IntoIterator<Item = UserExpand>) -> Self {
        let parts: Vec<_> = names(parts).collect();
        self.change(|request| request.expand.get_or_insert_default().extend(parts))
    }

    /// How many users come with one call. Default: what the platform says, 25.
    pub fn page_size(self, size: u32) -> Self {
        self.change(|request| request.page_size = Some(i64::from(size)))
    }

    fn change(self, change: impl FnOnce(&mut UserSearchRequest)) -> Self {
        self.map(|mut search| {
            change(&mut search.body);
            search
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn criteria_are_written_as_the_platform_reads_them() {
        let ada = UserField::Name.starts_with("Ada").or_in(UserField::Email);
        let gone = !UserField::State.is_one_of(["inactive", "deleted"]);
        let written =
            serde_json::to_value(UserCriterion::any_of([ada, gone]).into_model()).unwrap();
        let wanted = json!({ "group": [
            { "type": "STARTS_WITH", "fields": ["name", "email"], "value": "Ada", "operator": "OR" },
            { "type": "EXACT", "fields": ["state"], "values": ["inactive", "deleted"], "operator": "NOT" },
        ]});
        assert_eq!(written, wanted);
    }

    #[test]
    fn twice_not_is_as_it_was() {
        let criterion = UserField::Title.has_term("lead");
        assert_eq!(!!criterion.clone(), criterion);
    }
}
